"""A bounded, content-addressed directory of local copies, so that stages on one machine fetch an object once."""
