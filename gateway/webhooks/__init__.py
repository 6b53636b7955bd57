"""Webhooks: addresses of subscribers that are told of events. Sending is done by workers (`workers/webhooks`)."""
