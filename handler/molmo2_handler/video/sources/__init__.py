"""Videos that are fetched: from the hosts and the object stores that an operator has allowed."""
