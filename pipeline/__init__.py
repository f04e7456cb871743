"""Experiments: data sets, features, training, evaluation, index and command line."""
