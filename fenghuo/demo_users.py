"""People who may sign in to the demo; their passwords stand on its sign-in page."""

from console.pages.sign_in import DemoUser
from events.rights import APPROVER, AUTHOR

USERS = (
    DemoUser("analyst", "demo-analyst", "陈晓 Chen Xiao", "analyst", (AUTHOR, APPROVER)),
    DemoUser("reviewer", "demo-reviewer", "周宁 Zhou Ning", "analyst", (AUTHOR, APPROVER)),
    DemoUser("finance", "demo-finance", "王莉 Wang Li", "finance"),
    DemoUser("legal", "demo-legal", "赵敏 Zhao Min", "legal"),
    DemoUser("sre", "demo-sre", "刘洋 Liu Yang", "sre"),
)
