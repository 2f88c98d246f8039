import type { OptionTable } from '../command/options.ts'
import { DATA_DIR_OPTION } from '../data-dir.ts'

/** Options that say where a store is and which services are meant. */
export const REACH_OPTIONS = {
  url: { value: 'URL', help: 'the NATS server (default: $ROLLCALL_NATS_URL, else tls://127.0.0.1:14222)' },
  service: {
    value: 'NAME',
    isList: true,
    oneOf: ['hss', 'scscf', 'presence', 'pcscf', 'bsf'],
    help: 'only for this service; may come several times',
  },
} as const satisfies OptionTable

/** Options of every command that speaks to a store. */
export const COMMON_OPTIONS = {
  'data-dir': DATA_DIR_OPTION,
  json: { help: 'write one JSON object a line' },
  help: { help: 'show this help' },
} as const satisfies OptionTable

/** Options that say whether there is data already. */
export const DATA_OPTIONS = {
  'nats-data': {
    value: 'DIR',
    help: "nats-server's store_dir on this machine; its key comes in $ROLLCALL_NATS_ENCRYPTION_KEY",
  },
  'first-installation': { help: 'you say that there is no data yet' },
} as const satisfies OptionTable

/** The key of a backup. */
export const KEY_OPTION = {
  key: { value: 'FILE', help: "holds the key that seals backups: 'store backup-key' makes one" },
} as const satisfies OptionTable
