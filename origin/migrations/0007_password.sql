-- links: passwords, hashed (Argon2id, PHC string format), each with the row's version when it was set.

alter table link add column password_hash text;
alter table link add column password_version bigint;
