// From the documentation of ops-nn, index/scatter_nd_update.
#ifndef ACLNNOP_ACLNN_SCATTER_ND_UPDATE_H_
#define ACLNNOP_ACLNN_SCATTER_ND_UPDATE_H_

#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

aclnnStatus aclnnScatterNdUpdateGetWorkspaceSize(aclTensor *varRef, const aclTensor *indices, const aclTensor *updates,
                                                 uint64_t *workspaceSize, aclOpExecutor **executor);
aclnnStatus aclnnScatterNdUpdate(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
