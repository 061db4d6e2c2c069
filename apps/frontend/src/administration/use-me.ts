import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { Me, Permission } from '@urna/contracts'
import { getMe } from './api.ts'
import { keys } from './query-client.ts'

/** Who is signed in; null: nobody. */
export function useMeQuery() {
  return useQuery<Me | null>({ queryKey: keys.me, queryFn: ({ signal }) => getMe(signal), staleTime: Number.POSITIVE_INFINITY })
}

/** On pages behind the sign-in: who is there, and what they may do. */
export function useMe(): { me: Me; may(permission: Permission): boolean } {
  const me = useQueryClient().getQueryData<Me | null>(keys.me)
  if (me === null || me === undefined) throw new Error('this page is shown to who is signed in')
  return { me, may: (permission) => me.permissions.includes(permission) }
}
