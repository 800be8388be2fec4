from molmo2_client import errors
from molmo2_contract.errors import Molmo2Error


def test_the_tree_in_the_docstring_names_every_error_and_the_module_exports_it():
    for error in Molmo2Error.__subclasses__():
        assert f"── {error.__name__} " in errors.__doc__
        assert getattr(errors, error.__name__) is error
        assert error.__name__ in errors.__all__


def test_an_error_seen_only_by_clients_has_a_kind_for_records():
    assert errors.ServerUnreachable("gone").to_wire().kind == "engine_unavailable"
    assert errors.ProtocolError("nonsense").to_wire().kind == "internal"
