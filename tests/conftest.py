"""What every test starts from."""

import hypothesis

# The machine may be busy: an example's duration says nothing about the code.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")
