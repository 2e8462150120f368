// ascend-api.md, section 3.8.
#ifndef ACLNNOP_ACLNN_SCATTER_ADD_H_
#define ACLNNOP_ACLNN_SCATTER_ADD_H_

#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

aclnnStatus aclnnScatterAddGetWorkspaceSize(const aclTensor *self, int64_t dim, const aclTensor *index,
                                            const aclTensor *src, aclTensor *out, uint64_t *workspaceSize,
                                            aclOpExecutor **executor);
aclnnStatus aclnnScatterAdd(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
