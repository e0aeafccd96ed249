-- Give the named cells (temporary table incoming_tiers: code, tier) their tier; counts the cells that changed.
-- Index: uq_cells_code.
UPDATE cells c
SET tier = i.tier
FROM incoming_tiers i
WHERE c.code = i.code AND c.retired_at IS NULL AND c.tier <> i.tier
