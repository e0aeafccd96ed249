-- Take the persons of the staged rows (incoming_responsibles) in; counts those that are new or changed.
-- A phone that the file does not give stays. Index: uq_persons_ref.
INSERT INTO persons (ref, name, phone)
SELECT DISTINCT i.ref, i.name, i.phone
FROM incoming_responsibles i
ON CONFLICT (ref) DO UPDATE
SET name = excluded.name, phone = coalesce(excluded.phone, persons.phone)
WHERE (persons.name, persons.phone) IS DISTINCT FROM (excluded.name, coalesce(excluded.phone, persons.phone))
