"""Evidence: the page that an approver reads before an answer."""
