-- How much of an owner's lies in the object store (messages/usage), and how much may (gateway/quota)
alter table account add column quota bigint check (quota >= 0);  -- bytes; 0: without limit; null: DH_OWNER_QUOTA

create table stored_content (                  -- each content of an owner's once, whatever names it
    ownerid text not null references account (id),
    content text not null,                     -- SHA-256 (of clients that give none: MD5), else the key
    size bigint not null,
    primary key (ownerid, content)
);

-- The content behind a BlobRef: an upload's hash is in its key
create function content_of(blob jsonb) returns text immutable parallel safe language sql as $$
    select coalesce(substring(blob ->> 'key' from '^[0-9a-f]{32}/([0-9a-f]{32,64})(?:\.|$)'), blob ->> 'sha256', blob ->> 'key')
$$;

-- Everything in the object store that rows of a flow name
create view named_blob as
    select f.id as flow_id, f.ownerid, content_of(blob) as content, (blob ->> 'size')::bigint as size
    from flow f join flow_resource r on r.flow_id = f.id,
         jsonb_path_query(jsonb_build_array(r.resource - 'descriptor' - 'facts', r.report, r.files),
                          '$.** ? (@.bucket.type() == "string" && @.key.type() == "string")') as blob
    union all
    select id, ownerid, content_of(manifest), (manifest ->> 'size')::bigint from flow where manifest is not null;

insert into stored_content (ownerid, content, size)
select distinct on (ownerid, content) ownerid, content, size from named_blob order by ownerid, content;
