/** The registry of the config when there is one, else the schemas that ship. */
import type { Tblctl } from '../../../api/open.ts'
import { shippedSchemas } from '../../../api/schemas.ts'
import { errorView } from '../../../core/errors.ts'
import type { CommandContext } from '../../command.ts'

export async function registryOf({ api }: CommandContext<Tblctl>): Promise<ReturnType<Tblctl['schemas']>> {
  try {
    return (await api()).schemas()
  } catch (thrown) {
    // No config is no error here; one that is named and missing, or broken, is.
    if (errorView(thrown).code !== 'config-not-found') throw thrown
    return shippedSchemas()
  }
}
