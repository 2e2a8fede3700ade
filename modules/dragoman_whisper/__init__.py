"""The whisper service: audio in, words with times and probabilities out, over HTTP.

It knows no Redis and no session; every engine, mock included, passes the same contract suite.
"""
