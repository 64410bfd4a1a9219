"""Parts that the five services share: settings, operational routes, envelope of answers, draining."""
