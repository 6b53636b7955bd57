"""Sends what subscribers are told (`docs/decisions/0034-webhooks.md`)."""
