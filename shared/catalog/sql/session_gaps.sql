-- Projects whose sessions end after another pause than others' do. Parameter: usual (seconds).
SELECT id, session_gap_seconds AS seconds FROM projects WHERE session_gap_seconds <> %(usual)s AND deleted_at IS NULL
