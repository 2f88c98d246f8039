import { type Config, field, type sharedShape } from '@rollcall/runtime'

/** Settings of the HSS beside the shared ones. */
export const hssShape = {
  ROLLCALL_HSS_SEALING_KEYS_FILE: field.file({
    is: 'keys that seal K and OPc and hash identities, JSON `{current, keys}`',
    example: '/run/secrets/hss-sealing-keys.json',
  }),
  ROLLCALL_PRESENCE_TARGETS: field
    .hostPorts({
      is: 'replicas of the Presence Server: one of them is told of a changed policy before the operator is; without it a change is stored and counts when they ask next',
      example: 'presence-0.presence:17003,presence-1.presence:17003',
    })
    .optional(),
  ROLLCALL_HSS_SCSCF_TARGETS: field
    .hostPorts({
      is: 'replicas of the S-CSCF: one of them is told of ended registrations and changed profiles; without it registrations run out, and profiles count at the next REGISTER',
      example: 'scscf-0.scscf:17002,scscf-1.scscf:17002',
    })
    .optional(),
}

/** What the HSS runs by. */
export type HssConfig = Config<typeof sharedShape & typeof hssShape>
