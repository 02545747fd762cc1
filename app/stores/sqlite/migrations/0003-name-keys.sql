-- Names are compared without what is not shown. Of names that have become the same, one has the key; all stay valid.
UPDATE OR IGNORE users SET name_key = fold_case(username) WHERE name_key <> fold_case(username);
UPDATE rooms SET name_key = fold_case(name) WHERE name_key <> fold_case(name);
