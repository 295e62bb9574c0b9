ALTER TABLE rejected_events
    MODIFY SETTING enable_block_number_column = 0, enable_block_offset_column = 0;
