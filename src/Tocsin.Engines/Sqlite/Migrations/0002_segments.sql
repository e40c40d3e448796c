-- Full partitions are sealed: their rows and their index become files in segments/ (see Segments/), and their table is dropped.

ALTER TABLE partition ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;   -- 1: the files hold it; its table may still be there, on its way out

-- The filter over the ids of a partition stands in its sealed index now.
ALTER TABLE partition DROP COLUMN filter;
