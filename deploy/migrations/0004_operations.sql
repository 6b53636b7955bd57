-- What operators do: dead letters with their history (deploy/deadletters), objects that nothing needs (deploy/sweep)
alter table delivery add column trail jsonb not null default '[]';  -- messages.transport.trail.Attempt, one after the other

alter table dead_letter
    add column trail jsonb not null default '[]',  -- likewise: what went wrong with it, each time
    add column ownerid text,
    add column state text not null default 'waiting' check (state in ('waiting', 'replayed', 'discarded')),
    add column acts jsonb not null default '[]',   -- what operators did with it: act, outcome, at, by, why
    drop column replayed_at;
update dead_letter set ownerid = split_part(flow_id, '/', 1);
create index dead_letter_waiting on dead_letter (first_at) where state = 'waiting';
create index dead_letter_flow on dead_letter (flow_id);

alter table account add column swept_at timestamptz;  -- when objects of its were last deleted: read before, and with, a push
