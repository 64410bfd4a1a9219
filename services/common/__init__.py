"""What the five services share: settings, the operational routes, the envelope around every answer, draining."""
