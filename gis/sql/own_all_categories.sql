-- Be the only one who opens cases, of every category, until this transaction ends; locks are taken in one order.
-- Parameters: key (the first half of the advisory lock).
SELECT pg_advisory_xact_lock(:key, id)
FROM (SELECT id FROM categories ORDER BY id) AS every
