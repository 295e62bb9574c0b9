-- Refused events in which none of the ids is, nor can be behind an escape. Parameter: ids (an array of texts).
NOT (multiSearchAny(raw, /*ids*/) OR position(raw, '\\') > 0 OR raw_encoding = 'base64')
