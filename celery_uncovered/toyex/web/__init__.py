"""The report on the web: the form, the list, what a finished report shows, subscriptions."""
