import type { Command } from './command/command.ts'
import { decisionCommands } from './decision/commands.ts'
import { registrationCommands } from './registration/commands.ts'
import { storeCommands } from './store/commands.ts'
import { subscriberCommands } from './subscriber/commands.ts'
import { ueCommands } from './ue/commands.ts'
import { utCommands } from './ut/commands.ts'

/** Every command there is. */
export const COMMANDS: readonly Command[] = [
  ...ueCommands,
  ...utCommands,
  ...decisionCommands,
  ...subscriberCommands,
  ...registrationCommands,
  ...storeCommands,
]
