-- Who did what to what an owner has (gateway/auth/audit); never changed, never forgotten
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    ownerid text not null references account (id),  -- whose log it is in
    account_id text references account (id),        -- who did it; null: an operator of the system
    act text not null,
    subject text not null,                          -- what it was done to: a dataset, a revision, a member, a token
    details jsonb not null,
    address text not null,
    token text                                      -- id of the API token in the hand of who did it
);
create index audit_owner on audit (ownerid, id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is only ever added to', tg_table_name;
end
$$;
create trigger audit_only_added_to before update or delete on audit
    for each row execute function refuse_change();
