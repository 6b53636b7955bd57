-- First jobs wait here for their owner's turn (messages/turns)
create table turn (
    id bigint generated always as identity primary key,
    ownerid text not null,
    flow_id text not null references flow (id),
    index integer not null,
    size bigint not null,                      -- bytes of the upload
    released boolean not null default false,   -- its job has been said; goes when the resource has ended
    unique (flow_id, index)
);
create index turn_waiting on turn (ownerid, id) where not released;
create index turn_released on turn (ownerid) where released;
