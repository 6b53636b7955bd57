-- What is being sent, found without looking at what waits (workers/webhooks)
create index webhook_delivery_leased on webhook_delivery (webhook_id) where lease is not null;
