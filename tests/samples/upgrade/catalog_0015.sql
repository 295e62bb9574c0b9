-- What an instance at catalog 0015 may hold: written by hand, frozen; no migration may need it to be otherwise.
INSERT INTO organisations (id, name) VALUES ('01890000-0000-7000-8000-000000000001', 'Before');
INSERT INTO projects (id, organisation_id, name, retention_days, person_key)
VALUES (
    '01890000-0000-7000-8000-000000000002', '01890000-0000-7000-8000-000000000001', 'Shop', 400,
    decode('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'hex')
);
INSERT INTO jobs (id, project_id, kind, key, state, request)
VALUES (
    '01890000-0000-7000-8000-000000000003', '01890000-0000-7000-8000-000000000002', 'erasure', 'k', 'completed', '{}'
);
INSERT INTO erased_people (project_id, person, job_id)
VALUES (
    '01890000-0000-7000-8000-000000000002',
    decode('ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100', 'hex'),
    '01890000-0000-7000-8000-000000000003'
);
INSERT INTO retention_runs (id, project_id, state, days, cutoff, at)
VALUES (
    '01890000-0000-7000-8000-000000000004', '01890000-0000-7000-8000-000000000002', 'completed', 400,
    '2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'
);
