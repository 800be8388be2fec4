"""What the model is shown: token ids, and media cut as the checkpoint wants them."""
