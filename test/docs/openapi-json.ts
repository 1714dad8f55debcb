import { describeAdmin } from '@sluice/admin/admin.module';
import { projectVersion } from '@sluice/process';

/** The whole text of docs/openapi.json, made from the controllers of the admin endpoints. */
export async function openApiJson(): Promise<string> {
  return JSON.stringify(await describeAdmin(projectVersion()));
}
