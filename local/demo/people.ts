import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import '../websocket.ts';
import { createOrderLedger, type OrderLedger } from '../../types/index.ts';
import type { Stack } from '../stack.ts';
import type { DemoUser } from '../users.ts';

/** Somebody signed in, with the procedures called as them. */
export interface Person {
  id: string;
  supabase: SupabaseClient;
  ledger: OrderLedger;
}

function client(stack: Stack): SupabaseClient {
  return createClient(stack.url, stack.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
}

/** A new customer, signed up as any visitor signs up. */
export async function signUp(stack: Stack, name: string): Promise<Person> {
  const supabase = client(stack);
  const { data, error } = await supabase.auth.signUp({
    email: `${name.toLowerCase()}@example.test`,
    password: crypto.randomUUID(),
    options: { data: { display_name: name } },
  });
  if (error) throw error;
  if (!data.user) throw new Error(`signing up ${name} gave no user`);
  return { id: data.user.id, supabase, ledger: createOrderLedger(supabase) };
}

/** One of the stack's demo users. */
export async function signIn(stack: Stack, role: DemoUser['role']): Promise<Person> {
  const user = stack.users.find((candidate) => candidate.role === role);
  if (!user) throw new Error(`the stack has no demo user with the role ${role}`);
  const supabase = client(stack);
  const { error } = await supabase.auth.signInWithPassword(user);
  if (error) throw error;
  return { id: user.id, supabase, ledger: createOrderLedger(supabase) };
}
