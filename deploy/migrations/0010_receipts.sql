-- Receipts: what a revision consists of, signed (gateway/receipts), and the keys that sign them (gateway/auth/receiptkeys)
create table receipt_key (
    kid text primary key,
    public_x text not null,                    -- base64url, kept for ever: receipts are verified for years
    private_pem text,                          -- destroyed when the key retires
    created_at timestamptz not null default now(),
    retired_at timestamptz,
    check ((private_pem is null) = (retired_at is not null))
);
create unique index receipt_key_signing on receipt_key ((true)) where retired_at is null;

alter table flow
    add column manifest jsonb,                 -- BlobRef of the published datapackage.json; null: published before this was kept
    add column receipt text;                   -- compact JWS, once somebody has asked for it
