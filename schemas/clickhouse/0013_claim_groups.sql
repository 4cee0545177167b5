-- The consumer group that an owner belongs to: two groups that consume one topic into one store
-- would fence each other off for ever.
ALTER TABLE claims ADD COLUMN IF NOT EXISTS consumer_group String DEFAULT ''
