"""Search for settings of what nobody models, by a number that a person enters.

process_search   runs so far → the next ones, by Bayesian optimisation
"""
