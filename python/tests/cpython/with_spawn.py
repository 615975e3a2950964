"""CPython's tests of multiprocessing, with the start method spawn."""

from test._test_multiprocessing import install_tests_in_module_dict

install_tests_in_module_dict(globals(), "spawn")
