-- An amendment may carry a newer version of its event's record. The record stands apart from the other changes, byte for byte, so that who asks what
-- changed does not read it.

ALTER TABLE amendment ADD COLUMN data BLOB;
