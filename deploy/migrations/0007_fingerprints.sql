-- What a push said, as one hash: a push of the same makes no new revision (gateway/fingerprint)
alter table flow add column fingerprint text;  -- null: pushed before this was kept
