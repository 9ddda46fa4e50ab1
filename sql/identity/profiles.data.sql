-- users who signed up before order-ledger was installed
insert into public.profiles (id, display_name)
select u.id, left(u.raw_user_meta_data ->> 'display_name', 200)
from auth.users u
on conflict (id) do nothing;
