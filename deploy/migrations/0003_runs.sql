-- A publisher cancels a run, or has a failed one run again (gateway/runs)
alter table flow add column run integer not null default 0;  -- how often somebody had it run again
alter table flow add column cancelled_at timestamptz;        -- FAILED because its publisher wanted so
