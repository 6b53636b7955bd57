-- What is made for an invalid table beside its report: the summary of its errors and the lists of them
alter table flow_resource add column files jsonb;  -- messages.datapackage.PublishedFile, one after the other
