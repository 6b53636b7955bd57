"""Webhooks, as far as gateway and workers must agree: where they may go, who is told what, how they are signed."""
