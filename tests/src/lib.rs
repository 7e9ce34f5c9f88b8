//! Nothing to link to: a package needs a library or a program, and this one is the test target `all`.
