-- Rows of rejected events are deleted as cheaply as events: as patches beside their parts, at once, without a mutation.

ALTER TABLE rejected_events
    MODIFY SETTING enable_block_number_column = 1, enable_block_offset_column = 1;
