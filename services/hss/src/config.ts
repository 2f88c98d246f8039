import { type Config, field, type sharedShape } from '@rollcall/runtime'

/** Settings of the HSS beside the shared ones. */
export const hssShape = {
  ROLLCALL_HSS_SEALING_KEYS_FILE: field.file({
    is: 'keys that seal K and OPc and hash identities, JSON `{current, keys}`',
    example: '/run/secrets/hss-sealing-keys.json',
  }),
}

/** What the HSS runs by. */
export type HssConfig = Config<typeof sharedShape & typeof hssShape>
