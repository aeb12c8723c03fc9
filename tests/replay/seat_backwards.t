# A clock that runs backwards breaks the chain, and nothing else.
device 1 keyboard
settings collect keys=5
presence present 1
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133
wait -900
tap 1 KEY_Q 77
wait 59
tap 1 KEY_U 96
wait 150
tap 1 KEY_I 88
wait 71

window keyboard 5
