import { checkDataFolder, repairDataFolder } from '@rollcall/store'
import type { Invocation } from '../command/command.ts'
import { dataFolderOf } from './reach.ts'

/** `rollcall store before-start` */
export async function beforeStart(invocation: Invocation): Promise<void> {
  const folder = dataFolderOf(invocation)
  await checkDataFolder(folder)
  const removed = await repairDataFolder(folder.storeDir)
  const text = removed.length === 0 ? 'nothing to repair' : `removed empty blocks:\n${removed.join('\n')}`
  invocation.output.tell(text, { event: 'store-checked-before-start', removed })
}
