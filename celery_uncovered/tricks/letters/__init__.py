"""The example of inherited context: letters in the language, and from the house, of whoever asks for them.

Nothing here passes a language on: the jobs inherit it.
"""
