-- video: renditions that nobody uses go and come back when somebody wants them; erasures.

-- When somebody last wanted it; null: it stays for good, or it is gone.
alter table video_rendition add column used_at bigint;
-- Since then it is gone for viewers; its objects follow, and `bytes_stored` is 0 when they did.
alter table video_rendition add column parked_at bigint;
create index video_rendition_by_use on video_rendition (used_at) where used_at is not null;
create index video_rendition_to_empty on video_rendition (parked_at)
where parked_at is not null and bytes_stored > 0;

-- A rendition that went, under the name that it will have: another one than before, because what
-- was served once under a name is what it serves for ever.
create table video_parked (
    video bigint not null,
    name text not null,
    -- What it will be played with, as far as is known: RFC 6381.
    codec text not null,
    wanted_at bigint,
    -- Its jobs were made.
    making_at bigint,
    constraint video_parked_pk primary key (video, name)
);
create index video_parked_wanted on video_parked (wanted_at)
where wanted_at is not null and making_at is null;

-- The erasure that took it; who made it and what it was called is gone then.
alter table video add column erased_by bigint;
create index video_by_erasure on video (erased_by) where erased_by is not null;
